//! Validation of canonical configuration by libyang, the only place that links it.
