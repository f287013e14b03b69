"""What the actors share: messages, codec, configuration, addresses, the runner, control and the operator's tool."""
