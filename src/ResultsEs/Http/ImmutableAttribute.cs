namespace ResultsEs.Http;

/// <summary>
/// Marks an endpoint whose answers never change, because their address is made of their content. Everybody may keep them for ever.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ImmutableAttribute : Attribute;
