namespace ResultsEs.Common;

/// <summary>The tenant of Marten's conjoined tenancy: the account.</summary>
internal static class Tenant
{
    public static string Of(Guid account) => account.ToString("D");
}
