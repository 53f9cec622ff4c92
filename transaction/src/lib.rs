//! How devices agree: coordinator, participant and admission as state machines without I/O.
