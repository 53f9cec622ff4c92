//! Who an agent is: the certificate authority, enrolment, revocation, mutual TLS.
