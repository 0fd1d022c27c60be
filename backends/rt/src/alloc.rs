//! Aligned memory for transients, with a check against what the machine has.
//!
//! Blocks that are freed are kept for the next allocation of about the same size: a kernel that
//! allocates in a loop would otherwise fault the same pages in again and again.

use std::alloc::{Layout, alloc, dealloc};
use std::sync::Mutex;

const ALIGN: usize = 64;
/// Bytes before each block: its capacity.
const HEADER: usize = 64;
/// Smaller blocks go straight to the system's allocator, which keeps them itself.
const KEEP_FROM: usize = 64 << 10;
const KEEP_BYTES: usize = 1 << 30;
const KEEP_BLOCKS: usize = 64;
/// Larger requests are compared with the memory that is available.
const CHECK_FROM: usize = 64 << 20;
const HUGE_PAGE: usize = 2 << 20;

struct Kept {
    blocks: Vec<(usize, usize)>,
    bytes: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { blocks: Vec::new(), bytes: 0 });

/// Memory that this process may still take, in bytes: the least of what the machine has available
/// and what the control group allows. `None` where neither is known.
pub fn available_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()?.saturating_mul(1024))
    });
    let v2 = std::path::Path::new("/sys/fs/cgroup");
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|l| l.strip_prefix("0::/")).unwrap_or_default();
    // A limit of a group holds for all groups below it.
    let groups = v2.join(own);
    let groups = groups.ancestors().take_while(|g| g.starts_with(v2));
    let v2 = groups.filter_map(|g| group_bytes(g, "memory.max", "memory.current"));
    let v1 = std::path::Path::new("/sys/fs/cgroup/memory");
    let v1 = group_bytes(v1, "memory.limit_in_bytes", "memory.usage_in_bytes");
    v2.chain(machine).chain(v1).min()
}

/// What a control group allows beyond what it holds; files that are only cached do not count.
fn group_bytes(group: &std::path::Path, max: &str, now: &str) -> Option<u64> {
    let read = |name: &str| std::fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let most = number(max)?;
    let cached: u64 = read("memory.stat").map_or(0, |text| {
        let files =
            text.lines().filter_map(|l| l.strip_prefix("inactive_file ").or(l.strip_prefix("active_file ")));
        files.filter_map(|n| n.trim().parse::<u64>().ok()).sum()
    });
    Some(most.saturating_sub(number(now)?.saturating_sub(cached)))
}

/// Gives the kept blocks back to the system.
pub fn trim() {
    let Ok(mut kept) = KEPT.lock() else { return };
    for (capacity, base) in std::mem::take(&mut kept.blocks) {
        // SAFETY: kept blocks came from `fresh` with this capacity and nobody else has them.
        unsafe { release(base as *mut u8, capacity) };
    }
    kept.bytes = 0;
}

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(capacity.checked_add(HEADER)?, ALIGN).ok()
}

unsafe fn release(base: *mut u8, capacity: usize) {
    if let Some(layout) = layout(capacity) {
        // SAFETY: `base` was allocated with this layout.
        unsafe { dealloc(base, layout) };
    }
}

fn fresh(capacity: usize) -> Option<*mut u8> {
    if capacity >= CHECK_FROM && available_bytes().is_some_and(|free| capacity as u64 > free) {
        trim();
        if available_bytes().is_some_and(|free| capacity as u64 > free) {
            return None;
        }
    }
    // SAFETY: the layout has a size of at least `HEADER`.
    let base = unsafe { alloc(layout(capacity)?) };
    if base.is_null() {
        return None;
    }
    if capacity >= 2 * HUGE_PAGE {
        let from = (base as usize).next_multiple_of(HUGE_PAGE);
        let bytes = base as usize + capacity - from;
        // SAFETY: advice about whole pages inside the block; a refusal is harmless.
        unsafe {
            libc::madvise(from as *mut libc::c_void, bytes / HUGE_PAGE * HUGE_PAGE, libc::MADV_HUGEPAGE)
        };
    }
    Some(base)
}

fn take_kept(bytes: usize) -> Option<(usize, usize)> {
    let mut kept = KEPT.lock().ok()?;
    let fits = |c: usize| c >= bytes && c - bytes <= bytes / 4;
    let at = kept.blocks.iter().rposition(|b| fits(b.0))?;
    let block = kept.blocks.remove(at);
    kept.bytes -= block.0;
    Some(block)
}

/// `dims[0] * … * dims[rank - 1] * element` bytes at an address that is a multiple of 64, or null
/// where that is more than there is. Sizes below one count as one element.
///
/// # Safety
/// `dims` points to `rank` numbers.
pub unsafe extern "C" fn weft_alloc(dims: *const i64, rank: i64, element: i64) -> *mut u8 {
    let mut bytes = element.max(1) as usize;
    for d in 0..rank.max(0) as usize {
        // SAFETY: the caller's promise.
        let dim = unsafe { *dims.add(d) }.max(1);
        match bytes.checked_mul(dim as usize) {
            Some(product) => bytes = product,
            None => return std::ptr::null_mut(),
        }
    }
    let kept = if bytes >= KEEP_FROM { take_kept(bytes) } else { None };
    let (capacity, base) = match kept {
        Some((capacity, base)) => (capacity, base as *mut u8),
        None => match fresh(bytes) {
            Some(base) => (bytes, base),
            None => return std::ptr::null_mut(),
        },
    };
    // SAFETY: the block has `HEADER + capacity` bytes.
    unsafe {
        base.cast::<usize>().write(capacity);
        base.add(HEADER)
    }
}

/// Frees what [`weft_alloc`] returned; null is nothing.
///
/// # Safety
/// `block` came from `weft_alloc` and is not used afterwards.
pub unsafe extern "C" fn weft_free(block: *mut u8) {
    if block.is_null() {
        return;
    }
    // SAFETY: `weft_alloc` wrote the capacity in front of the block.
    let (base, capacity) = unsafe { (block.sub(HEADER), block.sub(HEADER).cast::<usize>().read()) };
    if capacity >= KEEP_FROM
        && let Ok(mut kept) = KEPT.lock()
        && kept.blocks.len() < KEEP_BLOCKS
        && kept.bytes + capacity <= KEEP_BYTES
    {
        kept.bytes += capacity;
        kept.blocks.push((capacity, base as usize));
        return;
    }
    // SAFETY: as above.
    unsafe { release(base, capacity) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(dims: &[i64]) -> *mut u8 {
        // SAFETY: the slice has its length.
        unsafe { weft_alloc(dims.as_ptr(), dims.len() as i64, 8) }
    }

    #[test]
    fn absurd_sizes_are_null() {
        assert!(get(&[1 << 37]).is_null());
        assert!(get(&[1 << 40, 1 << 40]).is_null());
        assert!(get(&[i64::MAX]).is_null());
    }

    #[test]
    fn blocks_are_aligned_and_come_back() {
        for n in [0, 1, 7, 100_000, 3_000_000] {
            let block = get(&[n]);
            assert!(!block.is_null() && (block as usize).is_multiple_of(64));
            // SAFETY: the block holds at least max(n, 1) elements.
            unsafe { block.write_bytes(1, 8 * n.max(1) as usize) };
            unsafe { weft_free(block) };
        }
        trim();
    }
}
