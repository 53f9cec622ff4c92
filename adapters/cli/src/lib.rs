//! An operator's terminal over SSH behind the port.
