"""What ``leadscore check`` reports of a dataset."""
