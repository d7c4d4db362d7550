//! Full-text search over a derived index on disk: words and what they may stand for, highlights, and who
//! writes the index. Knows nothing of products.

pub mod directory;
pub mod highlight;
pub mod interpretation;
pub mod lexicon;
pub mod plain_text;
pub mod pool;
pub mod words;
