//! NETCONF over SSH behind the port.
