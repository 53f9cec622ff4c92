//! Everything that libyang complains of while something is done, on this thread.

use super::text;
use std::cell::RefCell;
use std::ffi::c_char;
use std::marker::PhantomData;
use yang5::ffi;

/// What libyang says is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// In libyang's words, or in those of the module.
    pub(crate) message: String,
    /// The path of the instance, as libyang writes it.
    pub(crate) data: Option<String>,
    /// The line of the text; zero where there is none.
    pub(crate) line: usize,
}

thread_local! {
    static HEARD: RefCell<Heard> = const { RefCell::new(Heard { kept: Vec::new(), more: 0, most: 0 }) };
}

struct Heard {
    kept: Vec<Complaint>,
    more: usize,
    most: usize,
}

/// Listens on this thread for as long as it lives; it cannot move to another.
pub(crate) struct Complaints {
    options: Box<u32>,
    here: PhantomData<*const ()>,
}

impl Complaints {
    /// Listens, and keeps the first `most` complaints.
    pub(crate) fn listen(most: usize) -> Self {
        HEARD.replace(Heard {
            kept: Vec::new(),
            more: 0,
            most,
        });
        let mut options = Box::new(ffi::LY_LOLOG | ffi::LY_LOSTORE_LAST);
        // SAFETY: both settings hold for this thread alone, and are taken back before `options` goes.
        unsafe {
            ffi::ly_temp_log_options(&mut *options);
            ffi::ly_temp_log_clb(Some(hear));
        }
        Self {
            options,
            here: PhantomData,
        }
    }

    /// What was heard, and how much more there was.
    pub(crate) fn heard(self) -> (Vec<Complaint>, usize) {
        HEARD.with_borrow_mut(|it| (std::mem::take(&mut it.kept), it.more))
    }

    /// How many complaints there were so far.
    pub(crate) fn count(&self) -> usize {
        HEARD.with_borrow(|it| it.kept.len() + it.more)
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        // SAFETY: gives back what `listen` set, on the same thread.
        unsafe {
            ffi::ly_temp_log_clb(None);
            ffi::ly_temp_log_options(std::ptr::null_mut());
        }
        debug_assert!(*self.options > 0, "the options outlive their use");
    }
}

unsafe extern "C" fn hear(
    level: ffi::LY_LOG_LEVEL::Type,
    message: *const c_char,
    data: *const c_char,
    _schema: *const c_char,
    line: u64,
) {
    if level != ffi::LY_LOG_LEVEL::LY_LLERR {
        return;
    }
    HEARD.with_borrow_mut(|heard| {
        if heard.kept.len() >= heard.most {
            heard.more += 1;
            return;
        }
        // SAFETY: libyang gives null or text that ends, and keeps it until this returns.
        let (message, data) = unsafe { (text(message), text(data)) };
        heard.kept.push(Complaint {
            message: message.unwrap_or_default(),
            data,
            line: usize::try_from(line).unwrap_or(0),
        });
    });
}
