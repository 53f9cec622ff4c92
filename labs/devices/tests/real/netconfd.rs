//! Scripts against netconfd.
