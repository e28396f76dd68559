"""The exam: planted bugs and correct rules, for gradcheck and its peers."""
