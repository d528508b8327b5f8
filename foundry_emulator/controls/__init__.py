"""The emulator's own addresses, which Azure does not have."""
