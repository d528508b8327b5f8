"""What answers say of a model: confidence, figures for its report, graders of texts, prices beside other models."""
