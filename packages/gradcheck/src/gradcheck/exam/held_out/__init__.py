"""The half of the exam that nothing is tuned on."""
