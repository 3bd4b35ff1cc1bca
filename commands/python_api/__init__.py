"""What ``import leadscore`` offers: the commands as functions, frames in and frames out."""
