//! Which protocol a device is spoken to over, chosen by measured health.
