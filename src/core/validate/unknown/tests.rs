//! Unknown keys: where they are found and what is advised.
