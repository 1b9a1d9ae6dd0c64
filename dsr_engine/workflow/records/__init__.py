"""What is kept of requests, and what can be told from it: figures, registers, exports, whose a certificate is."""
