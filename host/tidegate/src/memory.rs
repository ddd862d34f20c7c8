//! The memory of this process: what the receivers hold, what the kernel says, and the allocator that is asked for some back.

use std::io;

use host_processors::memory_limiter::{Memory, resident};
use host_receivers::Budget;

/// The memory of the process, whose receivers share this budget.
pub(crate) struct ProcessMemory(pub(crate) Budget);

impl Memory for ProcessMemory {
    fn resident(&self) -> io::Result<u64> {
        resident()
    }

    fn in_flight(&self) -> u64 {
        u64::try_from(self.0.used()).unwrap_or(u64::MAX)
    }

    fn give_back(&self) {
        // It takes no pointer and may be called on any thread at any time: free pages of this thread's heap and of the arenas,
        // which are all threads', go back to the system. Without it they do so only when somebody allocates from them again.
        #[expect(unsafe_code, reason = "the allocator of the process has no other way to be asked")]
        unsafe {
            libmimalloc_sys::mi_collect(true);
        }
    }
}
