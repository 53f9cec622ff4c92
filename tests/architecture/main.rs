//! The rules of the tree, each checked with the file and the rule named.
