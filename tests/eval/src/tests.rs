//! Figures that must not fall.
