//! How the types of settings are read from a TOML value and shown again. It knows the form of one value; which key it
//! belongs to, and what other keys say, it does not.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use toml::de::DeValue;

use crate::catalog::SourceName;

/// A type that a key can have. `Err` says what the value must be, in words that follow the key's name.
pub(super) trait Value: Sized {
    /// Reads the value.
    fn read(value: &DeValue<'_>) -> Result<Self, String>;

    /// Shows the value as it could stand in the file, secrets hidden.
    fn show(&self) -> String;
}

/// Returns the text of a string value.
pub(super) fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("must be text in quotes, not {}", kind(value)))
}

/// Returns a whole number from 0 up.
pub(super) fn whole_number(value: &DeValue<'_>) -> Result<u64, String> {
    let DeValue::Integer(number) = value else {
        return Err(format!("must be a whole number, not {}", kind(value)));
    };
    u64::from_str_radix(number.as_str(), number.radix())
        .map_err(|_| format!("must be a whole number from 0 up, not {number}"))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

/// Shows text in quotes, escaped as TOML and Rust both do.
pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}

impl Value for bool {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        value
            .as_bool()
            .ok_or_else(|| format!("must be true or false, not {}", kind(value)))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let number = whole_number(value)?;
        Self::try_from(number).map_err(|_| format!("must be {} or less, not {number}", Self::MAX))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for PathBuf {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        match text(value)? {
            "" => Err("must name a path, not be empty".to_owned()),
            path => Ok(Self::from(path)),
        }
    }

    fn show(&self) -> String {
        quoted(&self.display().to_string())
    }
}

impl Value for SocketAddr {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse().map_err(|_| {
            format!("must be an IP address and a port, such as \"127.0.0.1:8624\" or \"[::]:8624\", not {text:?}")
        })
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for IpNet {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        let address = || text.parse().ok().map(|address: std::net::IpAddr| Self::from(address));
        text.parse().ok().or_else(address).ok_or_else(|| {
            format!("must be an address or a network, such as \"10.1.2.3\" or \"10.0.0.0/8\", not {text:?}")
        })
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for SourceName {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let text = text(value)?;
        text.parse().map_err(|_| {
            let form = "1 to 64 lower-case letters, digits and . _ -, starting with a letter or digit";
            format!("must be a name ({form}), not {text:?}")
        })
    }

    fn show(&self) -> String {
        quoted(self.as_str())
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(value: &DeValue<'_>) -> Result<Self, String> {
        let list = value
            .as_array()
            .ok_or_else(|| format!("must be a list in square brackets, not {}", kind(value)))?;
        let read = |(index, item): (usize, &toml::Spanned<DeValue<'_>>)| {
            T::read(item.get_ref()).map_err(|problem| format!("has an entry (number {}) that {problem}", index + 1))
        };
        list.iter().enumerate().map(read).collect()
    }

    fn show(&self) -> String {
        let items: Vec<String> = self.iter().map(Value::show).collect();
        format!("[{}]", items.join(", "))
    }
}
