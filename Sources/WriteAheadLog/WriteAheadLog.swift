// The first sources of this module follow.
