//! The failures of the layers below, as HTTP errors. Absent, failed and forbidden stay three outcomes.

use std::time::Duration;

use super::base_url::BaseUrlError;
use super::conditional::ETag;
use super::error::ApiError;
use super::multipart::PayloadError;
use crate::auth::Denied;
use crate::mirror::{MirrorError, PublishError, SpoolError, Trouble};
use crate::nuget::nupkg::NupkgError;
use crate::odata::address::AddressError;
use crate::odata::batch::{BatchError, PartError};
use crate::odata::options::OptionsError;
use crate::odata::v1::UnknownProperty;

/// Makes a sentence of an error's message.
pub(super) fn sentence(error: &impl std::error::Error) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

impl From<BaseUrlError> for ApiError {
    fn from(error: BaseUrlError) -> Self {
        Self::BadRequest(sentence(&error))
    }
}

impl From<AddressError> for ApiError {
    fn from(error: AddressError) -> Self {
        Self::BadRequest(sentence(&error))
    }
}

impl From<OptionsError> for ApiError {
    fn from(error: OptionsError) -> Self {
        Self::BadRequest(sentence(&error))
    }
}

impl From<UnknownProperty> for ApiError {
    fn from(error: UnknownProperty) -> Self {
        Self::BadRequest(sentence(&error))
    }
}

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::TooManyParts => Self::PayloadTooLarge(sentence(&error)),
            BatchError::NoBoundary | BatchError::Truncated => Self::BadRequest(sentence(&error)),
        }
    }
}

impl From<PartError> for ApiError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::ChangeSet => Self::NotImplemented(sentence(&error)),
            PartError::NoRequest => Self::BadRequest(sentence(&error)),
        }
    }
}

impl From<PayloadError> for ApiError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::SurroundingsTooLarge => Self::PayloadTooLarge(sentence(&error)),
            PayloadError::NoBoundary
            | PayloadError::NoPart
            | PayloadError::Truncated
            | PayloadError::HeadersTooLarge
            | PayloadError::Body(_) => Self::BadRequest(sentence(&error)),
        }
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Missing => Self::Unauthorized(sentence(&denied)),
            // Not 401: clients would ask for a user name and a password, which would not help.
            Denied::Wrong => Self::Forbidden(sentence(&denied)),
        }
    }
}

impl From<MirrorError> for ApiError {
    fn from(error: MirrorError) -> Self {
        match &error {
            MirrorError::NoSuchFeed { .. } | MirrorError::NotFound { .. } => Self::NotFound(sentence(&error)),
            MirrorError::Upstream { trouble, .. } => from_trouble(*trouble, sentence(&error)),
            MirrorError::TooCostly => Self::BadRequest(sentence(&error)),
            MirrorError::Rejected { .. } => Self::UpstreamBad(sentence(&error)),
            MirrorError::Spool(spool) => match spool.as_ref() {
                SpoolError::TooLarge { .. } => Self::PayloadTooLarge(sentence(&error)),
                full if full.is_disk_full() => Self::InsufficientStorage(DISK_FULL.to_owned()),
                SpoolError::Write { .. } | SpoolError::Read { .. } => Self::Internal(error.to_string()),
            },
            MirrorError::Slow { .. } | MirrorError::Crowded => Self::UpstreamUnavailable {
                text: sentence(&error),
                retry_after: Some(ASK_AGAIN_AFTER),
            },
            MirrorError::Index(_) | MirrorError::Packages(_) | MirrorError::Internal(_) => {
                Self::Internal(error.to_string())
            }
        }
    }
}

/// What larder asks of those who would wait too long for what is on its way.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(30);

const DISK_FULL: &str = "The disk of this server is full; nothing was stored.";

fn from_trouble(trouble: Trouble, text: String) -> ApiError {
    match trouble {
        Trouble::Unavailable { retry_after } => ApiError::UpstreamUnavailable {
            text: format!("Upstream unavailable. {text}"),
            retry_after,
        },
        Trouble::Offline => ApiError::UpstreamUnavailable {
            text: format!("This server is offline by its administrator's order and does not have this. {text}"),
            retry_after: None,
        },
        Trouble::Overdue => ApiError::UpstreamTimeout(format!("Upstream unavailable. {text}")),
        Trouble::Loop => ApiError::LoopDetected(text),
        Trouble::Useless => ApiError::UpstreamBad(text),
    }
}

impl From<PublishError> for ApiError {
    fn from(error: PublishError) -> Self {
        match error {
            // The disk failed, not the package.
            PublishError::Invalid(NupkgError::Read(source)) => Self::Internal(source.to_string()),
            PublishError::Invalid(_) | PublishError::Refused(_) => Self::BadRequest(sentence(&error)),
            PublishError::Exists { id, version, held } => {
                let digest = held.and_then(|held| held.sha512.parse().ok());
                Self::already_exists(id.as_str(), &version, digest.as_ref().map(ETag::of))
            }
            PublishError::NotHosted { .. } => Self::NotFound(sentence(&error)),
            PublishError::Failed(MirrorError::Spool(spool)) if spool.is_disk_full() => {
                Self::InsufficientStorage(DISK_FULL.to_owned())
            }
            PublishError::Failed(failure) => failure.into(),
        }
    }
}
