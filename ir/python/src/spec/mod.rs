//! Argument specs.
