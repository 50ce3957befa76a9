using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace ResultsEs.Access;

/// <summary>
/// ASP.NET Core's authentication brings data protection, for cookies, and it writes a key ring into the home folder at start.
/// Nothing here uses it: tokens are signed with <see cref="SigningKey"/>. So its keys stay in memory.
/// </summary>
internal static class NoDataProtection
{
    public static void Apply(IServiceCollection services) => services.Configure<KeyManagementOptions>(static options =>
    {
        options.XmlRepository = new Forgetful();
        options.XmlEncryptor = new NullXmlEncryptor();
    });

    private sealed class Forgetful : IXmlRepository
    {
        public IReadOnlyCollection<XElement> GetAllElements() => [];

        public void StoreElement(XElement element, string friendlyName)
        {
        }
    }
}
