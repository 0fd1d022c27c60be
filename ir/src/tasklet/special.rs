//! Functions of floats that Rust's library has not: C's.

/// The functions of one type; the literals are their names in C.
macro_rules! functions {
    ($float:ident, $erf:literal, $erfc:literal, $gamma:literal, $lgamma:literal, $next:literal) => {
        pub mod $float {
            unsafe extern "C" {
                #[link_name = $erf]
                pub safe fn erf(x: $float) -> $float;
                #[link_name = $erfc]
                pub safe fn erfc(x: $float) -> $float;
                #[link_name = $gamma]
                pub safe fn gamma(x: $float) -> $float;
                #[link_name = $lgamma]
                fn lgamma_and_sign(x: $float, sign: *mut i32) -> $float;
                #[link_name = $next]
                pub safe fn next_after(from: $float, to: $float) -> $float;
            }

            pub fn lgamma(x: $float) -> $float {
                let mut sign = 0;
                // SAFETY: the sign has a place to go.
                unsafe { lgamma_and_sign(x, &mut sign) }
            }
        }
    };
}

functions!(f32, "erff", "erfcf", "tgammaf", "lgammaf_r", "nextafterf");
functions!(f64, "erf", "erfc", "tgamma", "lgamma_r", "nextafter");
