"""What ``kubesaga run`` is made of, beside the local engine: reading the request, drawing, asking, summing up."""
