//! The element types as generated code numbers them: by their position in `weft_ir::DType`.

pub const BOOL: i64 = 0;
pub const I8: i64 = 1;
pub const I16: i64 = 2;
pub const I32: i64 = 3;
pub const I64: i64 = 4;
pub const U8: i64 = 5;
pub const U16: i64 = 6;
pub const U32: i64 = 7;
pub const U64: i64 = 8;
pub const F16: i64 = 9;
pub const F32: i64 = 10;
pub const F64: i64 = 11;
pub const C64: i64 = 12;
pub const C128: i64 = 13;
