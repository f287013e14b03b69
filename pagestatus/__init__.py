"""What the actors share: messages, codec, configuration, the runner, control and the operator's tool."""
