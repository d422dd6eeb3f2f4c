//! The traits that all name types have.

/// Implements the conversions from a name to text, for a tuple struct with a method `as_str`.
macro_rules! impl_name {
    ($name:ident) => {
        impl ::std::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl ::std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::convert::From<$name> for ::std::string::String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }
    };
}

/// Implements what [`impl_name`] does, and the conversions from text, for a tuple struct of an `Arc<str>` that may be any
/// text.
macro_rules! impl_text_name {
    ($name:ident) => {
        $crate::model::name::impl_name!($name);

        /// Shares the text.
        impl ::std::convert::From<&$name> for ::std::sync::Arc<str> {
            fn from(name: &$name) -> Self {
                ::std::sync::Arc::clone(&name.0)
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(name: ::std::string::String) -> Self {
                Self::new(name)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(name: &str) -> ::std::result::Result<Self, Self::Err> {
                Ok(Self::new(name))
            }
        }
    };
}

pub(crate) use {impl_name, impl_text_name};
