//! What an operator wants: the library of intent classes, and from words to an intent.
