//! The formats of strings that the API server checks, in tables of good and bad texts.
