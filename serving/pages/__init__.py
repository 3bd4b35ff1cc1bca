"""The pages that people look at, at ``/`` of the service: a file a page, templates beside them."""
