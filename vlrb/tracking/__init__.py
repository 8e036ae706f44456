"""What a run tells other programs while it trains and when it has ended: csv, TensorBoard, Weights & Biases."""
