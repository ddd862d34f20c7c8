//! From what the user wrote to what the program uses, without touching anything.
