//! Vendors as data: rendering the canonical model for a device, and reading it back.
