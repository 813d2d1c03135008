//! What the targets share: how memory is counted.

/// Runs some work and says how many bytes of memory it asked for in all, given back or not.
pub fn measured(work: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(work).bytes_total
}
