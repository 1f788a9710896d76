//! What the functions give, as text.
