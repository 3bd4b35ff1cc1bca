"""What we say of a lead: scorecard, model arithmetic, calibration, bands, reasons, releases."""
