//! Properties, with random assignments as the oracle.

mod examples;
