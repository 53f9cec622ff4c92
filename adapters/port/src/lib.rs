//! What every protocol offers: a configure session, an observer, and the evidence between steps.
