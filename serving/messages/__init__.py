"""What goes in and out, as strict msgspec structs: unknown fields are refused, types not bent."""
