//! `$batch`: requests in one multipart body, their answers in another (OData 2.0, "Batch Processing").
//!
//! Knows how both lie in their bodies, and whether a request is for the feed that the batch was sent to. Refuses to know what
//! is asked and how it is answered. A part that cannot be read spoils no other: it is answered in its place.
//!
//! The writer that matters is `NuGet` 2 (`DataServiceContext.GenerateBatchRequest` of `System.Data.Services.Client`): no empty
//! line ends a request's head, and under mono all lines end in a bare line feed. Its reader (`BatchStream`) is strict: two
//! header fields in front of each answer, no field twice, a reason phrase that is not empty, nothing behind the last boundary.

mod read;
mod write;

pub use read::{BatchError, Part, PartError, Request, parse};
pub use write::{Answer, Answers};

#[cfg(test)]
mod tests;
