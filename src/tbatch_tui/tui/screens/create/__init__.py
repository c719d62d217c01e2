"""The Create screen: endpoint, label and cost, then submit."""
