"""The handlers of examples/order-fulfillment, and the warehouse that they talk to."""
