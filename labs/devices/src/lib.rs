//! Simulated devices: NETCONF and CLI over SSH, with faults on command.
