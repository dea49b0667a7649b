"""HTTP as pure functions over header text: no clock, no network, no JavaScript."""
