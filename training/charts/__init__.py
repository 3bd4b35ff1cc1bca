"""SVG charts and the HTML helpers that reports share."""
