"""Which release answers: the gate, the promotion, the way back, the trail."""
