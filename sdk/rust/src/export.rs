//! The way from the world's exports to a [`Processor`].

use crate::bindings::tidegate::processor::types;
use crate::{Batch, Context, Edits, Error, Plan, Processor, Signal, config};

/// One configured instance, or none yet. A module is an instance, so that this lives in a static of it.
#[doc(hidden)]
pub struct Instance<P> {
    processor: Option<P>,
}

impl<P: Processor> Instance<P> {
    pub const fn new() -> Instance<P> {
        Instance { processor: None }
    }

    /// Decodes the configuration and makes the processor.
    pub fn configure(&mut self, signal: Signal, json: &str) -> Result<types::Plan, Error> {
        let (processor, Plan { packed }) = P::configure(signal, config::decode(json)?)?;
        self.processor = Some(processor);
        Ok(packed)
    }

    /// Hands one batch over.
    pub fn process(&mut self, context: types::Context, batch: &types::Batch) -> Result<types::Script, String> {
        let processor = self.processor.as_mut().ok_or_else(|| Error::new("process was called before configure"))?;
        let mut edits = Edits::default();
        processor.process(&Context { packed: context }, &Batch::new(batch), &mut edits)?;
        Ok(edits.into_script())
    }
}

/// Has a panic tell itself in the host's log before it becomes a trap, which says no more than `unreachable`.
#[doc(hidden)]
#[cfg(target_family = "wasm")]
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("no message");
        match panic.location() {
            Some(at) => crate::error!("panicked at {}:{}: {what}", at.file(), at.line()),
            None => crate::error!("panicked: {what}"),
        }
    }));
}

impl<P: Processor> Default for Instance<P> {
    fn default() -> Self {
        Instance::new()
    }
}

/// Makes a [`Processor`] the module's: `tidegate_sdk::export!(MyProcessor);`, once in the crate.
///
/// It does so in WebAssembly only; a native build of the crate has tests and no exports.
#[macro_export]
macro_rules! export {
    ($processor:ty) => {
        #[cfg(target_family = "wasm")]
        #[expect(unsafe_code, reason = "the component model's exports are functions of fixed names over raw memory")]
        const _: () = {
            use $crate::bindings::tidegate::processor::types;

            ::std::thread_local! {
                static INSTANCE: ::std::cell::RefCell<$crate::Instance<$processor>> =
                    const { ::std::cell::RefCell::new($crate::Instance::new()) };
            }

            struct Module;

            impl $crate::bindings::Guest for Module {
                fn configure(
                    signal: types::Signal,
                    config: ::std::string::String,
                ) -> ::std::result::Result<types::Plan, ::std::string::String> {
                    $crate::tell_panics();
                    INSTANCE
                        .with_borrow_mut(|instance| instance.configure(signal, &config))
                        .map_err(::std::string::String::from)
                }

                fn process(
                    context: types::Context,
                    batch: types::Batch,
                ) -> ::std::result::Result<types::Script, ::std::string::String> {
                    INSTANCE.with_borrow_mut(|instance| instance.process(context, &batch))
                }
            }

    $crate::bindings::export_processor!(Module with_types_in $crate::bindings);
        };
    };
}
