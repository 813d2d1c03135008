//! Which version can say what: the table in `README.md`, made by writing one of everything in both versions.
//!
//! `GODWIT_BLESS=1 cargo test -p godwit-openflow --test versions` puts the table of the present code into `README.md`.

#[cfg(test)]
mod table;
